"""MLflow's scoring protocol: mlflow.*."""
