"""Methods from before deep networks, and the model that comes with docproc.

In:  `Material`, or the folder of a model. Out: `Trained`.

References
----------
.. [1] C. Cortes, V. Vapnik, "Support-vector networks", Machine Learning 20, 1995.
.. [2] T. Hastie, R. Tibshirani, "Classification by pairwise coupling", Annals of Statistics 26(2), 1998.
"""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import numpy.typing as npt

from docproc.character.calibration import fit_temperature, softmax
from docproc.character.card import DIGITS
from docproc.character.recognizer import LiteRtRecognizer
from docproc.training.comparison.material import Material
from docproc.training.comparison.method import Chances, Images, Trained
from docproc.training.comparison.timing import now_s

# Chosen on validation digits, never on test digits.
_LOGISTIC_STRENGTH = 0.05  #: Inverse of the L2 penalty.
_LOGISTIC_STEPS = 200  #: At most; about 40 are needed.
_LOGISTIC_TOLERANCE = 1e-3
_COMPONENTS = 40  #: Principal components kept: 79 % of the variance, and 20 times less to compute than 784 pixels.
_SVM_COST = 5.0
_SVM_GAMMA = 0.035  #: Of the kernel exp(-gamma * distance**2), pixels from 0 to 1.
_SVM_CACHE_MB = 500
_MARGIN_SLOPE = 8.0  #: Of the logistic function from margins to chances; a smaller one changes answers for the worse.


def train_logistic(material: Material) -> Trained:
    """Logistic regression on pixels: one weight a pixel and digit, nothing hidden."""
    from sklearn.linear_model import LogisticRegression

    started = now_s()
    model = LogisticRegression(C=_LOGISTIC_STRENGTH, max_iter=_LOGISTIC_STEPS, tol=_LOGISTIC_TOLERANCE)
    model.fit(_pixels(material.train.images), material.train.labels)
    training_s = now_s() - started

    def read(images: Images) -> Chances:
        return softmax(model.decision_function(_pixels(images)))

    how = (
        "Adds up the pixels, each with a weight of its own for every digit; the largest sum wins. scikit-learn, "
        f"L2 penalty C = {_LOGISTIC_STRENGTH:g}."
    )
    return Trained("logistic", "Logistic regression", how, read, training_s, _size_bytes(model))


def train_svm(material: Material) -> Trained:
    """A support vector machine with a Gaussian (RBF) kernel [1]_ on principal components.

    It has no chances of its own. Those of its 45 verdicts between two digits each are multiplied, as in pairwise
    coupling [2]_, and softened by one temperature that is fitted to the validation digits.
    """
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import SVC

    started = now_s()
    pixels = _pixels(material.train.images)
    components = min(_COMPONENTS, *pixels.shape)
    model = make_pipeline(
        PCA(components, svd_solver="covariance_eigh"),
        SVC(C=_SVM_COST, gamma=_SVM_GAMMA, cache_size=_SVM_CACHE_MB, decision_function_shape="ovo"),
    )
    model.fit(pixels, material.train.labels)

    def scores(images: Images) -> Chances:
        return _coupled(model.decision_function(_pixels(images)))

    temperature = fit_temperature(scores(material.validation.images), material.validation.labels)
    training_s = now_s() - started

    def read(images: Images) -> Chances:
        return softmax(scores(images), temperature=temperature)

    kept = len(model[-1].support_)
    how = (
        f"Compares a digit with {kept:,} remembered ones (support vectors) by a Gaussian kernel. scikit-learn; to be "
        f"trained in minutes, the 784 pixels are first reduced to their {components} principal components (PCA); "
        f"C = {_SVM_COST:g}, gamma = {_SVM_GAMMA:g}. It gives verdicts, not chances: these were made of its margins "
        "and of what they are worth on the digits kept aside."
    )
    return Trained("svm", "SVM (RBF)", how, read, training_s, _size_bytes(model))


def _coupled(margins: Chances) -> Chances:
    """Scores of the digits, (N, 10), from margins between pairs of them, (N, 45), in scikit-learn's order.

    A margin is worth a chance that the first of the two is right; a digit's score is the sum of the logarithms.
    """
    first, second = np.triu_indices(len(DIGITS), 1)
    places = np.eye(len(DIGITS))
    for_first, for_second = (-np.logaddexp(0, -_MARGIN_SLOPE * sign * margins) for sign in (1, -1))
    return for_first @ places[first] + for_second @ places[second]


def shipped(recognizer: LiteRtRecognizer) -> Trained:
    """The model that pages are read with; not trained here. Its time is the one on its card."""
    card = recognizer.card
    sources = ", ".join(f"{source.name} {100 * source.share:.0f} %" for source in card.data)
    looks = "A CNN" if card.second_look is None else "Two CNNs, of which the second looks at doubtful digits alone,"
    how = (
        f"{looks} trained by docproc train, not here, and on more than MNIST ({sources}); the training time is the "
        f"clock's, from the card. Run by LiteRT. It may also answer that a mark is no digit ({len(card.classes)} "
        "classes), which counts as wrong here; its chances are the calibrated ones."
    )
    return Trained(
        "shipped",
        "docproc's CNN",
        how,
        recognizer.recognize,
        card.wall_time_s,
        len(recognizer.model) + len(recognizer.second),
    )


def _pixels(images: Images) -> npt.NDArray[np.float32]:
    """(N, 28, 28) uint8 to (N, 784), 0 to 1."""
    return images.reshape(len(images), -1).astype(np.float32) / 255.0


def _size_bytes(model: Any) -> int:
    """What the fitted model takes on disk."""
    return len(pickle.dumps(model, protocol=pickle.HIGHEST_PROTOCOL))
