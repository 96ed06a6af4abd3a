"""What a scenario's phases may do; every call ends by its deadline, and every one may be cancelled."""


class Toolkit:
    """The hands of a scenario while its run goes on."""
