"""Measurements, side by side in one run: ratios hold on a noisy machine where single figures do not."""
