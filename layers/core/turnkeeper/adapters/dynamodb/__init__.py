"""The table in DynamoDB."""

from turnkeeper.adapters.dynamodb.table import DynamoTable

__all__ = ["DynamoTable"]
