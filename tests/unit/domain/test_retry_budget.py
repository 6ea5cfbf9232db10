from turnkeeper.domain.retry_budget import RetryBudget


def test_ten_calls_earn_one_retry() -> None:
    budget = RetryBudget()
    spent = []
    for _ in range(20):
        budget.earn()
        spent.append(budget.spend())

    assert [9, 19] == [i for i, ok in enumerate(spent) if ok]


def test_a_budget_does_not_grow_without_end() -> None:
    budget = RetryBudget()
    for _ in range(1_000):
        budget.earn()

    assert 10 == sum(budget.spend() for _ in range(50))
