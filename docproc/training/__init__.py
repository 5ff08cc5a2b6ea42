"""Train, calibrate and export the recognizer. The only place that imports TensorFlow.

digits/      what is learned from: digits, drawn styles, marks that are none; how they are bent and aged
painting/    sheets written with them, captured badly, cut by the pipeline
mixture      what an epoch shows; material keeps writers apart; ahead makes epochs while one is learned
settings, network, fit      what a search turns; the network; its training
confidence, assessment      honest chances, and the scores of a card
trained, export, finish     from networks to a model and its card, at once or where TensorFlow is
programs                    what training needs before it begins
train, folds, search        one run; the same on each fold of the writers; short runs to compare settings
corrected, start            digits that people corrected; the old model, to learn on
improvement, relearn        old against new; which of them is kept
comparison/  well-known methods beside the shipped model
"""

import os

# Before TensorFlow is imported anywhere: its fast kernels are off by default on some processors, where they train
# half as long. What the user has set stays.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
