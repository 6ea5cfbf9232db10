"""How the ports are met: DynamoDB or memory, the models' providers, SNS, Step Functions, Powertools."""
