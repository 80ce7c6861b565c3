"""What can go wrong between uatwin and a device; every error carries the StatusCode that tells it to a client."""

from __future__ import annotations

from typing import ClassVar

from drivers.status import Status


class DriverError(Exception):
    """A failed exchange with a device. `status` is what an OPC UA client is told."""

    status: ClassVar[Status] = Status.BadCommunicationError


class ConnectFailed(DriverError):
    """The device, broker or line could not be reached; the link tries again with back-off."""

    status = Status.BadNoCommunication


class LinkLost(DriverError):
    """An open link broke (closed, reset, unreachable); the link connects again."""

    status = Status.BadNoCommunication


class DeviceTimeout(DriverError):
    """The device did not answer in time. The link may still be good (other units on it answer)."""

    status = Status.BadTimeout


class Malformed(DriverError):
    """The device answered something that is not the protocol, or not what was asked for."""

    status = Status.BadCommunicationError


class Refused(DriverError):
    """The device answered with its own refusal: a Modbus exception, a CoAP 4.xx or 5.xx, an MQTT reason code.

    code: the protocol's own number; told_status: the StatusCode it stands for.
    """

    def __init__(self, message: str, code: int, told_status: Status = Status.BadDeviceFailure) -> None:
        super().__init__(message)
        self.code = code
        self.told_status = told_status


class ValueNotAccepted(DriverError):
    """A value that cannot be put into the point (does not fit its type or scale); nothing was sent."""

    status = Status.BadOutOfRange


def status_of(error: DriverError) -> Status:
    """The StatusCode an OPC UA client gets for an error."""
    return error.told_status if isinstance(error, Refused) else error.status
