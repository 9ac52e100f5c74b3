"""A context that is too large for the guest's memory: read where it is looked at, exact, never altered.

text       LazyText: what a str answers, at constant memory
ranges     what all of LazyText works with: a range of a source, read piece by piece
searching  find, count, startswith, ...
comparing  order, characters, what a text consists of
stripping  what is cut off at the ends of a text
splitting  where a text is cut into parts
as_list    AsList: what a list answers
parts      Parts: a list of what a text is cut into, cut while it is looked at
whole      what has to hold all of a text, and its error
cases      lower, upper, ...: of a large text lazy too
far        searching by a module, on the host
characters sets of characters, for this interpreter and for modules
documents  Documents: what a list of texts answers; DocumentList: a list, with names
table      names and lengths of documents
sources    where texts come from
sizes      how much is read and held at once
"""
