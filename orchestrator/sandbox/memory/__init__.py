"""The memories of guests.

memory.py      snapshot and fork
mappings.py    what the operating system offers for it
image_file.py  a snapshot in a file
"""
