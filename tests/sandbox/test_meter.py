"""The seconds of a cell: CPU of its own thread."""

import threading
import time

from orchestrator.sandbox.limits import Meter


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
