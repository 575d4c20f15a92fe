"""Write `calibration.json` from labelled data: `python -m knowledge_base.fitting BENCHMARKS`.

Developers run this; the product only reads the file. scikit-learn is needed here and nowhere else.
"""
