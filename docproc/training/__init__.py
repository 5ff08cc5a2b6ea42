"""Train, calibrate and export the recognizer. The only place that imports TensorFlow."""

import os

# Before TensorFlow is imported anywhere: its fast kernels are off by default on some processors, where they train
# half as long. What the user has set stays.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
