"""Codecs between the protocol's tensors and the values that models take and give; pure functions.

Source: MLServer 1.7.1, mlserver/codecs and runtimes/mlflow/mlserver_mlflow/codecs.py (content types).
"""
