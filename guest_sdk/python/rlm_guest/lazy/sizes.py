"""How much is read and held at once, in code points: what a guest of 64 MiB has room for, whatever the characters.

Looked up where they are used: tests make them small.
"""

# One read is copied several times on its way in: small pieces bound the memory that never comes back.
PIECE = 1 << 20
# Small reads that follow each other are answered from one of this size (each costs a call of the host); and so much of a text
# is cut into parts at once.
AHEAD = 1 << 18
# Places no further apart are read together: a call of the host costs about as much as so many more.
CLOSE = 1 << 14
# A slice up to this is a str, a longer one is lazy.
STR = 4 << 20
# So much is searched here before a module is asked, which takes a call but passes a text ten times as fast.
NEAR = 4 << 20
