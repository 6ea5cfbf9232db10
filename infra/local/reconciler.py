"""Invokes the reconciler every second, as the schedule does every minute on AWS."""

import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

EVERY_S = 1.0


def main(function: str) -> None:
    """Invoke it until stopped; if the cloud is unavailable for a moment, try again."""
    client = boto3.client("lambda", config=Config(retries={"total_max_attempts": 1}, read_timeout=70))
    while True:
        began = time.monotonic()
        try:
            client.invoke(FunctionName=f"{function}:live", Payload=b"{}")
        except (BotoCoreError, ClientError) as error:
            print(f"the reconciler was not invoked: {error}", flush=True)
        time.sleep(max(0.0, EVERY_S - (time.monotonic() - began)))


if __name__ == "__main__":
    main(sys.argv[1])
