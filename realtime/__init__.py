"""From a camera to events: sources, sampling, recognition with state, sinks. No PyTorch in here."""

from .frame import Frame
from .recognizer import Recognizer
from .results import Event, Prediction
from .sources import SourceOptions
from .watch import watch

__all__ = ["Event", "Frame", "Prediction", "Recognizer", "SourceOptions", "watch"]
