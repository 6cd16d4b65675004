"""How good a model is: measures on labels and probabilities. No Keras, no TensorFlow.

Figures of one evaluation are scikit-learn's where it has them; what a thousand resamples need at
once is computed here, and tests hold it to scikit-learn's.
"""

from models.measures.bootstrap import RESAMPLES
from models.measures.calibration import CALIBRATION_BINS, calibration_error, reliability_bins
from models.measures.evaluation import SPECIFICITIES, evaluate_probabilities
from models.measures.proper_scores import brier_score, cross_entropy
from models.measures.report import (
    Averages,
    ClassReport,
    Interval,
    OperatingPoint,
    ReliabilityBin,
    Report,
)
from models.measures.summary import Spread, figures_of, spread, summarise

__all__ = [
    "CALIBRATION_BINS",
    "RESAMPLES",
    "SPECIFICITIES",
    "Averages",
    "ClassReport",
    "Interval",
    "OperatingPoint",
    "ReliabilityBin",
    "Report",
    "Spread",
    "brier_score",
    "calibration_error",
    "cross_entropy",
    "evaluate_probabilities",
    "figures_of",
    "reliability_bins",
    "spread",
    "summarise",
]
