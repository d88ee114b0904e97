"""What the keys do with the one camera of a screen; most of it is what they do in every list of cameras (`ui.Ui`)."""

from __future__ import annotations

from proxyd.api.models import Camera

from ..camera_panes.fields import Field, setting_of
from ..camera_panes.identity import IdentityPane
from ..ui import ui_of
from .account_form import AccountForm
from .copy_choice import PASSWORD, offer_copies
from .one_camera import OneCamera
from .qr import QrScreen


class CameraActions(OneCamera):
    """The verbs behind the keys of the camera's screen."""

    @property
    def identity(self) -> IdentityPane:
        return self.query_one(IdentityPane)

    def action_copy(self) -> None:
        """Everything that can be copied; the cursor stands on what it stood on here."""
        field = self.identity.current() if self.identity.is_shown and self.identity.table.has_focus else None
        first = PASSWORD if field and field.name == "Password" else field.copies if field else ""
        if self.camera is not None:
            offer_copies(self.app, self.camera, first)

    def do(self, field: Field) -> None:
        """What Enter does on a field."""
        match field.does:
            case "switch":
                ui_of(self).switch_setting(self._camera, setting_of(field.label))
            case "discovery":
                self.action_discovery()
            case "account":
                self.action_account()
            case "diagnose":
                self.action_diagnose()
            case "snapshot":
                self.action_snapshot()
            case "certificate":
                self.action_certificate()
            case "rights":
                ui_of(self).change_rights(self._camera, field.name.lower())
            case "copy" if field.copies:
                ui_of(self).copy(field.copies, field.label if field.label.isupper() else field.label.lower())

    def action_certificate(self) -> None:
        from .certificate import CertificateScreen  # few ever see it

        if self.camera is not None:
            self.app.push_screen(CertificateScreen(self.camera.id))

    def action_forget(self) -> None:
        ui_of(self).forget_adoption([self._camera])

    def action_account(self) -> None:
        camera = self.camera
        if camera is None or not ui_of(self).allowed("camera.update", "account"):
            return

        def saved(changed: Camera | None) -> None:
            if changed is not None:
                ui_of(self).store.put("camera", changed)
                self.identity.forget_password(changed)
                ui_of(self).toast(f"{changed.name}: type the new account into the recorder now.")

        self.app.push_screen(AccountForm(camera), saved)

    def action_qr(self) -> None:
        camera = self.camera
        if camera is None:
            return
        if camera.onvif_url is None:
            ui_of(self).toast(f"{camera.name} has no address yet.")
        else:
            self.app.push_screen(QrScreen(camera.name, camera.onvif_url))

    def action_start_stop(self) -> None:
        ui_of(self).toggle_cameras([self._camera])

    def action_restart(self) -> None:
        ui_of(self).restart_cameras([self._camera])

    def action_edit(self) -> None:
        ui_of(self).rename_camera(self._camera)

    def action_remove(self) -> None:
        ui_of(self).remove_cameras([self._camera])

    def action_discovery(self) -> None:
        ui_of(self).toggle_discovery(self._camera)

    def action_diagnose(self) -> None:
        ui_of(self).diagnose(self._camera)

    def action_snapshot(self) -> None:
        ui_of(self).snapshot(self._camera)

    def action_scan(self) -> None:
        if self.camera is not None:
            ui_of(self).scan(self.camera.nvr)
