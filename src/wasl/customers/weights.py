"""What was learnt of likeness, and from where; `bench/linking.py --learn` prints it anew.

Comparisons of whole records (name, day of birth, postal address): by expectation and maximisation on febrl 1 to 3
(Christen 2005), without being told which are of one person. What names, telephones and mailboxes say of customers:
counted in four generated towns (`bench/shared.py`, seeds 100 to 103), other ones than the one that is measured.
"""

from collections.abc import Mapping

from wasl.customers.likeness import Model

SUGGEST = 1.0
"""From here on (powers of two; probability two thirds) it is suggested: the lowest whole number above even odds at
which at least 999 of 1,000 pairs of febrl 1 to 3 are right."""

USUAL: Mapping[str, float] = {
    "name": 0.00192,
    "street": 0.000532,
    "building": 0.000676,
    "town": 0.00116,
    "region": 0.22,
}
"""The share of records that have the average word."""

MODEL = Model(
    prior=0.3446,
    weights={
        "name": {
            "same+same": (0.4037, 0.02387),
            "same+near": (0.2755, 0.001315),
            "near+near": (0.03616, 1e-05),
            "same+": (0.04484, 0.01237),
            "near+": (0.01739, 0.000127),
            "same+other": (0.1432, 0.2787),
            "near+other": (0.05719, 0.002698),
            "other+": (0.009771, 0.04655),
            "other+other": (0.0122, 0.6343),
        },
        "born": {"same": (0.9108, 0.03953), "near": (0.027, 0.01158), "other": (0.06216, 0.9489)},
        "number": {"same": (0.8147, 0.1506), "near": (0.03948, 0.0893), "other": (0.1458, 0.7601)},
        "street": {"same": (0.5319, 0.5425), "near": (0.3708, 0.0002342), "other": (0.09732, 0.4573)},
        "building": {"same": (0.4846, 0.153), "near": (0.4108, 0.0001495), "other": (0.1046, 0.8469)},
        "town": {"same": (0.6517, 0.01248), "near": (0.258, 0.0005464), "other": (0.09026, 0.987)},
        "postcode": {"same": (0.7687, 0.01259), "near": (0.2014, 0.01248), "other": (0.02987, 0.9749)},
        "region": {"same": (0.9448, 0.3184), "near": (0.02426, 0.002278), "other": (0.03097, 0.6793)},
    },
)

CUSTOMERS = Model(
    prior=0.3288,
    weights={
        "name": {
            "same+same": (0.42, 0.283),
            "same+near": (0.0795, 0.152),
            "near+near": (0.363, 0.384),
            "same+": (0.0487, 0.000175),
            "near+": (0.0615, 0.000456),
            "same+other": (0.000699, 0.0883),
            "near+other": (0.0231, 0.0253),
            "other+": (0.0019, 0.0243),
            "other+other": (0.0014, 0.0424),
        },
        "phone": {"same": (0.745, 0.00606), "shared": (0.0977, 0.258), "other": (0.157, 0.736)},
        "mail": {"same": (0.557, 0.00242), "shared": (0.073, 0.0739), "other": (0.37, 0.924)},
    },
)
"""Of customers of a business: brought together by a telephone, a mailbox or a name."""
