"""X12: envelopes and segments, read whatever their delimiters; what they mean is for the files above."""
