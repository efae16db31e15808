"""What is done again and again for all projects of a database, by whichever process comes first.

Each part is made, and its modules are imported, when it is first asked for.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from taskforge.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.scaling_policy import ProvisionerKind
    from taskforge.ports.outbound import Mailer
    from taskforge.ports.scaling import Provisioner
    from taskforge.services.autoscaling import Autoscaling
    from taskforge.services.delivering import Delivering
    from taskforge.services.direct_link import DirectLink
    from taskforge.services.evaluating import Evaluating
    from taskforge.services.exposition import Exposition
    from taskforge.services.measuring import Measuring
    from taskforge.services.operations import OperationSteps
    from taskforge.services.recovery import Recovery
    from taskforge.services.retention import Pruning
    from taskforge.services.tick_keeping import TickKeeping
    from taskforge.services.ticking import Ticking


class Housekeeping:
    """Beside the work of one process; ``platform`` is that of its own project."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self._foundation = platform.foundation
        self._stores = platform.foundation.stores
        self._settings = platform.foundation.settings

    def _project(self, project_id: ProjectId) -> Platform:
        return Platform(project_id, self._foundation)

    @cached_property
    def recovery(self) -> Recovery:
        from taskforge.services.recovery import Recovery

        return Recovery(
            jobs=self._stores.jobs,
            queues=self._stores.queues,
            workers=self._stores.workers,
            pauses=self._foundation.pause_work,
            breaking=self._foundation.breaking,
            signals=self._foundation.signals,
            lease=self._settings.lease_seconds,
            lull=self._foundation.lull,
            lookout=self._foundation.lookout,
        )

    @cached_property
    def ticking(self) -> Ticking:
        from taskforge.services.ticking import Ticking

        return Ticking(self._stores.ticks, self.platform.firing_plans)

    @cached_property
    def pruning(self) -> Pruning:
        from taskforge.domain.retention import Retention
        from taskforge.services.partitions import Partitions
        from taskforge.services.retention import Pruning
        from taskforge.storage.archives import open_archive

        settings, partitions = self._settings, self._stores.partitions
        return Pruning(
            self._stores.retention,
            Retention(settings.keep_succeeded_days, settings.keep_cancelled_days, settings.keep_failed_days),
            partitions=None if partitions is None else Partitions(partitions),
            archive=None if settings.archive is None else open_archive(settings.archive),
            interval=settings.retention_interval_seconds,
            batch=settings.retention_batch,
            before=self._tick_keeping.keep,
        )

    @cached_property
    def _tick_keeping(self) -> TickKeeping:
        from taskforge.services.tick_keeping import TickKeeping

        return TickKeeping(self._stores.tick_keeper)

    @cached_property
    def operation_steps(self) -> OperationSteps:
        from taskforge.services.operations import OperationSteps

        return OperationSteps(
            self._stores.operations,
            self._stores.queues,
            lambda project_id: self._project(project_id).bulk,
            lambda project_id: self._project(project_id).backfill,
        )

    @cached_property
    def exposition(self) -> Exposition:
        """Of all projects, or of those that are named."""
        from taskforge.services.exposition import Exposition

        return Exposition(
            self._stores.exposition,
            self._foundation.recording,
            self._settings.lease_seconds,
            self.ticking.late,
        )

    @cached_property
    def autoscaling(self) -> Autoscaling:
        """Of all projects, by every provisioner but the one that starts processes on its own host."""
        from taskforge.domain.scaling_policy import ProvisionerKind
        from taskforge.services.autoscaling import REMOTE_LOCK, Autoscaling
        from taskforge.services.leadership import Leadership

        leadership = Leadership(self._stores.leases, REMOTE_LOCK, self._foundation.mint())
        kinds = set(ProvisionerKind) - {ProvisionerKind.LOCAL}
        return Autoscaling(
            self._stores.scaling, leadership, lambda project_id: self._project(project_id).scaling, kinds
        )

    def local_autoscaling(self, provisioners: Mapping[ProvisionerKind, Provisioner]) -> Autoscaling:
        """Of this project, by the provisioners of this process alone."""
        from taskforge.services.autoscaling import LOCAL_LOCK, Autoscaling
        from taskforge.services.leadership import Leadership

        leadership = Leadership(self._stores.leases, LOCAL_LOCK, self._foundation.mint())
        return Autoscaling(
            self._stores.scaling,
            leadership,
            lambda project_id: self._project(project_id).scaling_by(provisioners),
            provisioners,
            self.platform.project_id,
        )

    @cached_property
    def evaluating(self) -> Evaluating:
        from taskforge.services.evaluating import Evaluating

        return Evaluating(
            self._stores.alerts,
            self._measuring,
            self._settings.alert_interval_seconds,
        )

    def _measuring(self, project_id: ProjectId) -> Measuring:
        """For one look at the rules: it remembers what it has measured."""
        from taskforge.services.measuring import Measuring

        platform = self._project(project_id)
        return Measuring(
            self._stores.measures,
            self._stores.metrics,
            self._stores.queues,
            platform.metrics,
            project_id,
            timedelta(seconds=self._settings.lease_seconds),
            platform.scaling,
        )

    @cached_property
    def delivering(self) -> Delivering:
        from taskforge.services.delivering import Delivering

        return Delivering(
            self._stores.receivers,
            self._delivery_link,
            lambda: self._foundation.poster,
            lambda: self.mailer,
            lambda: self._foundation.now().timestamp(),
            self._stores.notices,
        )

    def _delivery_link(self, project_id: ProjectId) -> DirectLink:
        """Always by the database: what is to be told is in its transaction, and rare."""
        from taskforge.services.delivering import LEASE_SECONDS
        from taskforge.services.direct_link import DirectLink, LinkOptions

        return DirectLink(
            jobs=self._stores.jobs,
            workers=self._stores.workers,
            directory=self._project(project_id).directory,
            signals=self._foundation.signals,
            mint=self._foundation.mint,
            options=LinkOptions(LEASE_SECONDS),
        )

    @cached_property
    def mailer(self) -> Mailer:
        """Hands messages to the mail server of the installation."""
        from taskforge.outbound.mail import SmtpMailer

        return SmtpMailer(self._settings.smtp_url, self._settings.smtp_from)
