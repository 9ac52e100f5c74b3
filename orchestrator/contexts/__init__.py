"""The big inputs: immutable, exact, each held once, in one file.

context.py       one context: a text, documents, a JSON value or a chat
layout.py        its file, part by part
writer.py        it while it arrives
table.py         what is written of its documents meanwhile
index.py         what is written of its code points meanwhile
spool.py         where both are until it is whole
store.py         the folder where it is kept while it is used, and some time after
files.py         it in files that a caller names
folders.py       the files of a folder
archives.py      what is in gzip files and zip archives
encodings.py     text in bytes that are not UTF-8
json_body.py     it in a JSON body
json_text.py     pieces of JSON, and what in it is no text
json_process.py  a large JSON body, read in a process of its own
lines.py         lines of it
utf8.py          what a module works on
"""
