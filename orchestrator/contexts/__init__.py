"""The big inputs: immutable, exact, held once.

context.py  one context: a text, documents, a JSON value or a chat
store.py    each is held once, for as long as a run uses it
utf8.py     a context as bytes, for modules
"""
