"""Why a simulated till stops: the line, the server's refusal, a broken contract, or nothing left to do."""


class SimulationStopped(Exception):
    """The run cannot go on; the message says what to look at. `code` is stable."""

    code = "simulation_stopped"


class ServerSilent(SimulationStopped):
    """The server gave no usable answer for as long as the till's patience lasts."""

    code = "server_silent"


class CallRefused(SimulationStopped):
    """The server answered with a problem that asking again would not mend."""

    code = "call_refused"

    def __init__(self, *, call: str, status: int, problem: str, detail: str) -> None:
        super().__init__(f"{call} was refused: {status} {problem or 'without a code'} {detail}".strip())
        self.status = status
        self.problem = problem


class ContractBroken(SimulationStopped):
    """An answer does not have the form that the protocol promises."""

    code = "contract_broken"


class JournalForeign(SimulationStopped):
    """The journal belongs to another device, or the device has done things that the journal does not know."""

    code = "journal_foreign"


class JournalDamaged(SimulationStopped):
    """A line before the last one cannot be read: a person must look before anything is written."""

    code = "journal_damaged"


class NothingToReceive(SimulationStopped):
    """The snapshot brought no customer, or no payment method that works offline."""

    code = "nothing_to_receive"


class OfflineLimitReached(SimulationStopped):
    """The queue could not be emptied, and the limits allow no further receipt."""

    code = "offline_limit_reached"
