"""Who answers when a device asks to be paired: without an agent, BlueZ lets a read hang.

Only devices that the home knows are let in. A gateway has no keyboard, so what asks for a code is
refused until a person pairs it at the command line.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from dbus_fast.annotations import DBusObjectPath, DBusStr, DBusUInt16, DBusUInt32
from dbus_fast.errors import DBusError
from dbus_fast.service import ServiceInterface, dbus_method

PATH: Final = "/homeward/agent"
# Whether there is somebody to type and read; org.bluez.Agent1, the words of BlueZ.
CAPABILITY: Final = {False: "NoInputNoOutput", True: "KeyboardDisplay"}

AskCode = Callable[[], Awaitable[int | None]]
Show = Callable[[str], None]


class Agent(ServiceInterface):
    """Lets in the devices at `may_pair`, by their path. `ask` is asked for a code shown there."""

    def __init__(
        self, may_pair: Callable[[str], bool], ask: AskCode | None = None, show: Show | None = None
    ) -> None:
        super().__init__("org.bluez.Agent1")
        self._may_pair, self._ask, self._show = may_pair, ask, show

    @property
    def has_keyboard(self) -> bool:
        return self._ask is not None

    @dbus_method(name="Release")
    def release(self) -> None:
        """BlueZ has another agent now, or ends."""

    @dbus_method(name="Cancel")
    def cancel(self) -> None:
        """Nobody waits for the answer any longer."""

    @dbus_method(name="RequestAuthorization")
    def request_authorization(self, device: DBusObjectPath) -> None:
        self._refuse_strangers(device)

    @dbus_method(name="AuthorizeService")
    def authorize_service(self, device: DBusObjectPath, uuid: DBusStr) -> None:
        self._refuse_strangers(device)

    @dbus_method(name="RequestConfirmation")
    def request_confirmation(self, device: DBusObjectPath, passkey: DBusUInt32) -> None:
        self._refuse_strangers(device)
        self._say(f"The device should show {passkey:06}.")

    @dbus_method(name="RequestPasskey")
    async def request_passkey(self, device: DBusObjectPath) -> DBusUInt32:
        return await self._code(device)

    @dbus_method(name="RequestPinCode")
    async def request_pin_code(self, device: DBusObjectPath) -> DBusStr:
        return f"{await self._code(device):06}"

    @dbus_method(name="DisplayPasskey")
    def display_passkey(
        self,
        device: DBusObjectPath,
        passkey: DBusUInt32,
        entered: DBusUInt16,
    ) -> None:
        self._refuse_strangers(device)
        if not entered:
            self._say(f"Type {passkey:06} on the device.")

    @dbus_method(name="DisplayPinCode")
    def display_pin_code(self, device: DBusObjectPath, pincode: DBusStr) -> None:
        self._refuse_strangers(device)
        self._say(f"Type {pincode} on the device.")

    async def _code(self, device: str) -> int:
        self._refuse_strangers(device)
        code = await self._ask() if self._ask else None
        if code is None:
            raise DBusError("org.bluez.Error.Rejected", "nobody here can read a code")
        return code

    def _say(self, words: str) -> None:
        if self._show is not None:
            self._show(words)

    def _refuse_strangers(self, device: str) -> None:
        if not self._may_pair(device):
            raise DBusError("org.bluez.Error.Rejected", "not a device of this home")
