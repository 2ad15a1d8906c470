"""The desks: what somebody looks at and decides, one case after the other, and what comes in from outside."""
