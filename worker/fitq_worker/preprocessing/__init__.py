"""Raw inputs become what a model takes: steps that are learnt from training rows, as layers."""
