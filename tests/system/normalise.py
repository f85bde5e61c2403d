# SPDX-License-Identifier: MIT
"""What two hypervisors may say differently about the same guest kernel. normalise() masks it; all
else must be the same, byte for byte."""
import re

MASKED = [
    # what, how it looks, what stands there instead
    ("carriage returns of the console", r"\r", ""),
    ("version string", r"\bversion \d+\.\d+\S*", "version VERSION"),
    ("frame numbers", r"\bframe [0-9a-f]+\b", "frame FRAME"),
    ("addresses", r"\b0x[0-9a-f]{5,}\b", "ADDRESS"),
    ("times", r"\b\d+ (s|ms|us|ns)\b", r"TIME \1"),
    ("domids", r"\bdomain \d+\b", "domain DOMID"),
]


def normalise(text):
    for _, looks, stands in MASKED:
        text = re.sub(looks, stands, text)
    return text
