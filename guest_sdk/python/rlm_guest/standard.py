"""The standard library of the guest, and what replaces habits that cannot work in it.

There is no file system: what is not imported here, while the component is built, cannot be imported later.
"""

# ruff: noqa: F401  (an import here is the purpose)
import abc
import argparse
import array
import ast
import base64
import binascii
import bisect
import builtins
import calendar
import cmath
import codecs
import collections
import collections.abc
import colorsys
import contextlib
import contextvars
import copy
import csv
import dataclasses
import datetime
import decimal
import difflib
import dis
import email
import email.header
import email.message
import email.parser
import email.policy
import email.utils
import enum
import fnmatch
import fractions
import functools
import gc
import glob
import graphlib
import hashlib
import heapq
import hmac
import html
import html.entities
import html.parser
import inspect
import io
import ipaddress
import itertools
import json
import keyword
import linecache
import locale
import logging
import math
import numbers
import operator
import os
import pathlib
import pickle
import platform
import pprint
import random
import re
import reprlib
import secrets
import shlex
import statistics
import string
import stringprep
import struct
import sys
import tabnanny
import textwrap
import time
import timeit
import token
import tokenize
import tomllib
import traceback
import types
import typing
import unicodedata
import urllib.parse
import uuid
import warnings
import weakref
import xml.etree.ElementTree
import zlib
import zoneinfo
from typing import Any, NoReturn


class _NoInput(io.TextIOBase):
    """Standard input: who reads it is told that there is none."""

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> NoReturn:
        _no_input()

    def readline(self, size: int | None = -1) -> NoReturn:  # type: ignore[override]
        _no_input()


def _no_input(prompt: object = "") -> NoReturn:
    """There is nobody to ask."""
    raise RuntimeError("there is no keyboard input in a cell: work with `context`, ask a model with llm_query(prompt)")


def _no_sleep(seconds: float) -> None:
    """Waiting makes no sense here: the clock is the run's own."""


def replace_habits() -> None:
    """Called while the component is built; what these did before would trap."""
    builtins.input = _no_input
    time.sleep = _no_sleep
    sys.stdin = sys.__stdin__ = _NoInput()  # type: ignore[misc]
    sys.dont_write_bytecode = True


def use_output(stream: Any) -> None:
    """All output of a cell goes to `stream`: the real ones trap."""
    sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = stream  # type: ignore[misc]
