"""The reader of whole lines: a network that learns to transcribe painted numbers, not told where their digits are.

plan          what a training is to be, and whose digits it learns from
lines         painted lines and what is written in them, kept in parts
augmentation  lines as other pens and papers would have left them
batches       lines of like width side by side
network       the network
task          its loss and its score, for `training.fit`
weighing      how much the word of each of the two readers counts
finish        export, weigh, measure, describe
train         all of it in order
"""
