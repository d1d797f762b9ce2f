"""Measuring a model beside other runtimes: same network, same calibration images, interleaved runs, agreement shown.

How, and with which settings, is in docs/benchmarks.md.
"""
