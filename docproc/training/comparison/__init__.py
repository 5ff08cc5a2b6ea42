"""Well-known methods and the shipped model side by side on MNIST: what `docproc compare` does.

material    MNIST's digits: to train on, kept aside, to measure on
baselines   logistic regression and SVM (scikit-learn), and the shipped model (LiteRT)
networks    a dense network and a small CNN (Keras, any of its backends)
method      what a trained method is
timing      seconds and digits a second, on one core
scores      the figures of one method, and the published ones that it must pass
plots       pictures of them
tables      compare.csv, and the tables of the page
page        the report; page.css is how it looks
compare     all of the above, in order, on one screen
"""
