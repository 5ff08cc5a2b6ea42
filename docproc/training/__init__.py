"""Train, calibrate and export the recognizer. The only place that imports TensorFlow."""
