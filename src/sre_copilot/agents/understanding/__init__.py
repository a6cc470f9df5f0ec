"""What a question in Chinese or English asks for: intent, services, times and parameters, by rules; a model may refine, never invent."""

from sre_copilot.agents.understanding.refining import refine as refine
from sre_copilot.agents.understanding.understand import understand as understand
