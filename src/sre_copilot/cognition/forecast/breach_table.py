"""The shipped calibration of crossings.

Made by `sre-copilot eval breach DIR --json FILE` (key `breach.calibration`) on the memory of some 140 containers over a day: questions at each
half hour about 80 %, 90 % and a learned level within six hours. `hit_rates` are those of containers that the fit had not seen. Inputs
have no unit, so that it serves other metrics too; a service that behaves unlike a container's memory is told less surely than it says.
"""

from __future__ import annotations

from sre_copilot.cognition.forecast.breach_calibration import Calibration

SHIPPED = Calibration(
    intercept=-4.182,
    slopes=(
        -0.0714,
        -0.7103,
        0.037,
        0.0362,
        -0.0794,
        0.2097,
        0.106,
        -0.1431,
        0.3363,
        0.6733,
        0.1383,
        -0.1157,
        0.1426,
        0.0952,
    ),
    centre=(
        -1.4491,
        3.4915,
        0.0691,
        0.0341,
        0.2188,
        0.0876,
        0.7423,
        -0.7808,
        0.0356,
        0.0096,
        0.2127,
        -0.7818,
        0.9713,
        0.1381,
    ),
    scale=(
        1.1228,
        2.5922,
        1.312,
        0.8586,
        0.8767,
        0.1887,
        1.1978,
        0.417,
        0.1853,
        0.0756,
        0.5259,
        0.4169,
        1.3264,
        0.2648,
    ),
    hit_rates=(0.019, 0.14, 0.206, 0.404, 0.571, 0.918),
)
