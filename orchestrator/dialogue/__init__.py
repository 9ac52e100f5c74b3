"""What is said to a root model and what it says: pure text.

prompts.py       the texts that are sent to a model
replies.py       a reply -> what to do
command_text.py  JSON commands as a model writes them
commands.py      JSON commands: their shapes
"""
