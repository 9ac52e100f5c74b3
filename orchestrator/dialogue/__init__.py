"""What is said to a root model and what it says: pure text.

prompts.py         how a root model is told to work, and the question
preview.py         what it is shown of the context before it looks itself
functions.py       the functions of a cell, as it is told of them
shortening.py      a conversation that has grown long
direct.py          a question with the whole input
verifying.py       whether an answer is right, as a sub-model is asked
typed.py           replies and answers that have to fit a schema
reports.py         what it is told of its replies
replies.py         a reply -> what to do
command_text.py    JSON commands as a model writes them
json_text.py       their JSON, read as it is meant
commands.py        JSON commands: their shapes
command_schema.py  what replies of them are held to
"""
