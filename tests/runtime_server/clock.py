"""A wall clock that tests can step, as a time server, a resumed virtual machine or a hand does.

``install()`` comes after the modules under test and whatever they need were imported (compiled modules do not take the
class that stands in for ``datetime``). From then on ``time.time``, ``time.time_ns``, ``time.clock_gettime``,
``time.localtime`` and the like, and the current time of ``datetime`` are off by the number in the file given to
``follow``, which is read anew at each question. The monotonic clock goes on untouched; only a process as a whole can be
moved into another time since the machine's start by ``live_at``.
"""

import datetime as datetime_module
import sys
import time
from pathlib import Path

_time, _time_ns, _clock_gettime = time.time, time.time_ns, time.clock_gettime
_monotonic, _monotonic_ns = time.monotonic, time.monotonic_ns
_datetime, _date = datetime_module.datetime, datetime_module.date
_file: Path | None = None
_life = 0.0


def step(file, seconds):
    """Set the wall clock of all processes that follow a file to so many seconds off the truth."""
    part = Path(file).with_suffix(".part")
    part.write_text(repr(float(seconds)))
    part.replace(file)


def follow(file):
    """Let this process's wall clock be off by the number in a file; 0 while there is none."""
    global _file
    _file = None if file is None else Path(file)


def live_at(seconds):
    """Let this whole process live so many seconds later than others, or earlier, by all clocks."""
    global _life
    _life = float(seconds)


def offset():
    """Return by how much this process's wall clock is off."""
    try:
        return _life + (0.0 if _file is None else float(_file.read_text()))
    except (OSError, ValueError):
        return _life


def install():
    """Replace the clocks of this process in all modules that hold them."""
    if time.time is not _time:
        return
    instead = {
        time.time: lambda: _time() + offset(),
        time.time_ns: lambda: _time_ns() + round(offset() * 1e9),
        time.monotonic: lambda: _monotonic() + _life,
        time.monotonic_ns: lambda: _monotonic_ns() + round(_life * 1e9),
        time.clock_gettime: lambda clock: _clock_gettime(clock) + _shift(clock),
        **{function: _at_now(function) for function in (time.localtime, time.gmtime, time.ctime)},
        _datetime: _Datetime,
        _date: _Date,
    }
    for module in list(sys.modules.values()):
        if module is sys.modules[__name__]:
            continue
        for name, item in list(vars(module).items()):
            if isinstance(item, (type, type(_time))) and item in instead:
                setattr(module, name, instead[item])


def _shift(clock):
    if clock == time.CLOCK_REALTIME:
        return offset()
    since_start = (time.CLOCK_MONOTONIC, getattr(time, "CLOCK_BOOTTIME", None))
    return _life if clock in since_start else 0.0


def _at_now(function):
    def wrapped(seconds=None):
        return function(time.time() if seconds is None else seconds)

    return wrapped


class _Like(type):
    """Lets true dates pass for objects of the classes that stand in for theirs."""

    def __instancecheck__(cls, item):
        return isinstance(item, cls.__mro__[1]) if cls in (_Datetime, _Date) else type.__instancecheck__(cls, item)

    def __subclasscheck__(cls, other):
        return issubclass(other, cls.__mro__[1]) if cls in (_Datetime, _Date) else type.__subclasscheck__(cls, other)


class _Datetime(_datetime, metaclass=_Like):
    def __new__(cls, *arguments, **settings):
        return _datetime.__new__(_datetime if cls is _Datetime else cls, *arguments, **settings)

    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls):
        return cls.fromtimestamp(time.time(), datetime_module.timezone.utc).replace(tzinfo=None)

    @classmethod
    def today(cls):
        return cls.now()


class _Date(_date, metaclass=_Like):
    def __new__(cls, *arguments, **settings):
        return _date.__new__(_date if cls is _Date else cls, *arguments, **settings)

    @classmethod
    def today(cls):
        return _date.fromtimestamp(time.time())
