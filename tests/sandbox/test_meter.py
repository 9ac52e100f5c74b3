"""The seconds of a cell: CPU of its own thread."""

import threading
import time

from orchestrator.sandbox.limits import REPEATED_SECONDS, Meter


def spin(seconds):
    ends = time.thread_time() + seconds
    while time.thread_time() < ends:
        pass


def test_computing_is_counted():
    """On the thread that computes."""
    meter = Meter(0.05)
    meter.begin()
    spin(0.06)
    assert meter.exceeded


def test_waiting_is_not_counted():
    """However long."""
    meter = Meter(0.05)
    meter.begin()
    time.sleep(0.1)
    assert not meter.exceeded


def test_what_neighbours_compute_is_not_counted():
    """A cell is not stopped for the machine being busy."""
    meter = Meter(0.05)
    meter.begin()
    neighbour = threading.Thread(target=spin, args=(0.1,))
    neighbour.start()
    neighbour.join()
    assert not meter.exceeded


def test_what_was_before_the_cell_is_not_counted():
    """Its thread ran others before."""
    spin(0.06)
    meter = Meter(0.05)
    assert not meter.exceeded
    spin(0.06)
    meter.begin()
    assert not meter.exceeded


def test_a_process_that_worked_for_it_is_charged():
    """As if it were the thread itself."""
    meter = Meter(0.05)
    meter.charge(1.0)
    assert (meter.exceeded, meter.left) == (True, 0.0)


def test_what_is_computed_once_more_is_not_counted():
    """However slow the machine is then; what comes after it is added to what came before."""
    meter = Meter(0.05)
    meter.begin()
    spin(0.03)
    meter.give_up()
    meter.begin()
    spin(0.06)
    assert (meter.exceeded, 0.03 <= meter.seconds < 0.05) == (False, True)
    meter.go_on()
    spin(0.03)
    assert meter.exceeded


def test_a_cell_is_not_computed_once_more_without_end():
    """All of that together is within its limit, too; and none of it is long."""
    meter = Meter(0.05)
    meter.begin()
    spin(0.02)
    assert meter.repeatable
    meter.give_up()
    meter.go_on()
    meter.begin()
    spin(0.02)
    assert not meter.repeatable
    long = Meter(60.0)
    long.charge(REPEATED_SECONDS)
    assert not long.repeatable
