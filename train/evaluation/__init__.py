"""Evaluation: how good a bundle is on clips and on endless streams, judged through the live path. No PyTorch."""
