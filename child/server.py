"""The child, put together: which part hears of what from which other."""

from __future__ import annotations

import datetime
import logging
import os
import random
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from child.admission import Admission
from child.agent.backoff import Backoff
from child.agent.batch_fetching import BatchFetcher
from child.agent.batch_servers import batch_servers
from child.agent.contact import Contact
from child.agent.delivery import Delivery
from child.agent.enrolment import Enrolment, Identity
from child.agent.heartbeat import Heartbeats
from child.agent.master_client import MasterClient
from child.agent.pull import Pull
from child.agent.reporter import ProgressReporter
from child.agent.transport import Transport
from child.api.application import child_app
from child.api.images import MAX_UPLOAD
from child.batch_cache import BatchCache
from child.global_models import GlobalModels
from child.import_folder import ImportFolder
from child.imports import Imports
from child.joining import Joining
from child.local_controls import LocalControls
from child.local_statistics import LocalStatistics
from child.metrics import Metrics
from child.model_cards import ModelCards
from child.picture_groups import PictureGroups
from child.pictures import PictureFolder
from child.prediction import OwnPictures, Predictor
from child.services import Services
from child.settings import Settings
from child.state_folder import StateFolder
from child.status import heartbeat
from child.store.departures import DepartureStore
from child.store.measured import MeasuredStore
from child.store.opening import open_database
from child.store.participation import ParticipationStore
from child.store.pictures import PictureStore
from child.store.plans import PlanStore
from child.store.round_figures import RoundFiguresStore
from child.store.studies import StudyStore
from child.store.tasks import TaskStore
from child.store.tokens import TokenStore
from child.tasks import Tasks
from child.training import Training
from child.training_request import Site
from child.uploads import Uploads
from child.validation_part import validation_part
from federated.messages import Heartbeat, StudyPush
from serving.blobs import BlobStore
from serving.server import Server, address_of
from serving.worker import Worker, worker_environment

log = logging.getLogger(__name__)

MEMORY_BODY = 256 * 2**20
"""Bytes up to which a request's body stays in memory: above the largest upload."""

KEPT_TASKS = 1000
"""Tasks that are over and still remembered, so that one that comes twice is known."""


class Child:
    """One child with a lifetime.

    Args:
        settings: How it is set up.
        now: The clock, seconds since the epoch.
        rng: Source of chance for delays.
        environ: Environment of the worker processes; our own variables are kept from them.
    """

    def __init__(
        self,
        settings: Settings,
        now: Callable[[], float] = time.time,
        rng: random.Random | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._settings = settings
        self._rng = rng or random.Random(secrets.randbits(64))
        self._environment = worker_environment(environ)
        self.state = StateFolder(settings.state)
        self.state.make()
        self._database = open_database(self.state, settings.database)
        self.tokens = TokenStore(self._database, now)
        self.participation = ParticipationStore(self._database)
        self.plans = PlanStore(self._database, now)
        self.round_figures = RoundFiguresStore(self._database, now)
        self.admission = Admission(
            self.participation, self.plans, lambda: datetime.datetime.fromtimestamp(now()).time()
        )
        self.studies = StudyStore(self._database, now)
        self.pictures = PictureStore(self._database, now)
        self.departures = DepartureStore(self._database, now)
        self.task_store = TaskStore(self._database, now)
        self.blobs = BlobStore(self.state.blobs)
        self.folder = PictureFolder(self.state.pictures)
        self.statistics = LocalStatistics(self.state.statistics)
        self.cards = ModelCards(self.state.cards, self.studies)
        self.controls = LocalControls(self.state.controls)
        self._batch_cache = BatchCache(self.state.batches, settings.batch_cache_mb * 2**20, now)
        self.batches = self._make_batch_fetcher()
        self.contact = Contact(now)
        self.url: str | None = None
        self._transport = Transport(settings.master, self.departures, self.contact)
        self.client = MasterClient(self._transport)
        self.enrolment = self._make_enrolment()
        self.heartbeats = self._make_heartbeats()
        self.delivery = self._make_delivery()
        self.reporter = ProgressReporter(self.client, self.enrolment, self._drop)
        self.training = self._make_training()
        self.models = GlobalModels(self.studies, self.task_store, self.blobs, self.training.prepare)
        self.tasks = self._make_tasks()
        # A master that has never had an address of this child does not call it now either.
        enrolled = self.enrolment.node
        self.pulls = settings.url is None or (enrolled is not None and not enrolled.called)
        self.pull = self._make_pull() if self.pulls else None
        self.predictor = self._make_predictor()
        self.metrics = Metrics(self._compose)
        self.uploads = Uploads(
            self.folder,
            self.pictures,
            PictureGroups(self.state.group_secret),
            self.task_store.may_train,
        )
        import_folder = ImportFolder(settings.import_folder)
        self.imports = Imports(import_folder, self.uploads, self.heartbeats.changed, now)
        self.app = child_app(self._make_services(), self.metrics.registry)
        self._server: Server | None = None
        self._serving: threading.Thread | None = None

    @property
    def address(self) -> str:
        """Where this child is reached from its own machine, once it has started."""
        return address_of(
            self._settings.host, self._server.port if self._server else self._settings.port
        )

    def start(self) -> None:
        """Tidies what a crash left, answers calls, resumes its tasks, and joins the master.

        Raises:
            CannotListen: The port is taken.
            InvalidInput: It would speak plain HTTP to the network.
        """
        self._server = Server(
            self.app,
            self._settings.host,
            self._settings.port,
            behind_proxy=self._settings.behind_proxy,
            memory_body=MEMORY_BODY,
            max_body=MAX_UPLOAD,
        )
        self.url = self.address if self._settings.url == "auto" else self._settings.url
        self._tidy()
        self._serving = self._server.start()
        for held in self.studies.all():
            if held.current is not None:
                self.training.prepare(held.current)
        self.reporter.start()
        self.delivery.start()
        self.training.start()
        self.heartbeats.start()
        if self.pull is not None:
            log.info("This site pulls: it asks the master for work, and is never called by it")
            if self._settings.url is not None:
                log.warning("It has enrolled without --url; to be called it must enrol anew")
            self.pull.start()

    def close(self) -> None:
        """Ends everything that `start` began, worker processes included."""
        if self._server is not None and self._serving is not None:
            self._server.close()
            self._serving.join(timeout=5)
        self.imports.close()
        self.heartbeats.stop()
        self.reporter.stop()
        self.delivery.stop()
        if self.pull is not None:
            self.pull.stop()
        self._transport.close()
        self.predictor.stop()
        self.training.stop()
        if self.pull is not None:
            self.pull.join()
        self._database.close()

    def _tidy(self) -> None:
        for held in self.studies.all():
            self.folder.tidy(held.study, self.pictures.places(held.study.id))
        for draft in (*self.state.drafts.iterdir(), *self.state.blobs.glob("draft-*")):
            draft.unlink()
        self._batch_cache.tidy()

    def _compose(self) -> Heartbeat:
        return heartbeat(
            self.studies, self.cards, self.pictures, self.task_store, self.training, self.url
        )

    def _finished(self, task_id: str) -> None:
        self._forget(task_id)
        self.delivery.submit(task_id)

    def _deliver(self, task_id: str) -> None:
        self.delivery.submit(task_id)
        self._wake()

    def _forget(self, task_id: str) -> None:
        self.reporter.forget(task_id)
        self._wake()

    def _confirmed(self, task_id: str) -> None:
        self.pictures.confirm(task_id)
        self.heartbeats.changed()

    def _closed(self, task_id: str) -> None:
        held = self.task_store.get(task_id)
        self.metrics.ended(held.state if held else "unknown")
        self.task_store.forget_old(KEPT_TASKS)
        self.models.tidy()

    def _drop(self, task_id: str) -> None:
        self.tasks.drop(task_id)

    def _reached(self) -> None:
        self.delivery.retry()
        self._wake()

    def _hear(self, models: Sequence[StudyPush]) -> None:
        if self.pull is not None:
            self.pull.hear(models)

    def _wake(self) -> None:
        if self.pull is not None:
            self.pull.wake()

    def _make_enrolment(self) -> Enrolment:
        identity = Identity(self.state.secrets / "node.json")
        joining = Joining(self._settings, self.tokens, lambda: self.url)
        return Enrolment(self.client, self.contact, identity, joining.request, joining.enrolled)

    def _make_heartbeats(self) -> Heartbeats:
        return Heartbeats(
            self.client,
            self.contact,
            self.enrolment,
            self._compose,
            self._drop,
            self._hear,
            self.cards.keep,
            self.participation.credited,
            self._reached,
            Backoff(self._rng),
        )

    def _make_delivery(self) -> Delivery:
        return Delivery(
            self.client,
            self.enrolment,
            self.heartbeats,
            self.task_store,
            self.blobs,
            self._confirmed,
            self._closed,
            Backoff(self._rng),
        )

    def _make_training(self) -> Training:
        site = Site(
            pictures=self.pictures,
            folder=self.folder,
            tasks=self.task_store,
            admission=self.admission,
            blobs=self.blobs,
            min_examples=self._settings.least_examples,
            drafts=self.state.drafts,
            batches=self.batches,
            statistics=self.statistics,
            controls=self.controls,
            figures=self.round_figures,
        )
        self._trainer = self._worker("child.trainer", "trainer.log")
        self._use_threads(self.participation.limits().threads)
        return Training(site, self._trainer, self.reporter.report, self._finished)

    def _use_threads(self, threads: int | None) -> None:
        deterministic = "0" if self._settings.fast_math else "1"
        used = str(threads or self._settings.threads)
        self._trainer.use(("--threads", used, "--deterministic", deterministic))

    def _make_predictor(self) -> Predictor:
        return Predictor(
            self._worker("child.predictor", "predictor.log"),
            self.studies,
            self.blobs,
            OwnPictures(
                array=lambda study: self.folder.array(study).path,
                validation=lambda study: validation_part(study, self.pictures),
            ),
            self.statistics,
            MeasuredStore(self._database),
        )

    def _make_batch_fetcher(self) -> BatchFetcher:
        servers = batch_servers(self._settings.batch_servers, self._settings.master)
        return BatchFetcher(servers, self._batch_cache, self.departures)

    def _worker(self, module: str, log_name: str, *arguments: str) -> Worker:
        threads = ("--threads", str(self._settings.threads))
        log_path = self.state.logs / log_name
        return Worker(module, (*threads, *arguments), self._environment, log_path)

    def _make_tasks(self) -> Tasks:
        return Tasks(
            store=self.task_store,
            studies=self.studies,
            admission=self.admission,
            blobs=self.blobs,
            training=self.training,
            expect=self.models.expect,
            took=self.models.took,
            deliver=self._deliver,
            forget=self._forget,
            use_threads=self._use_threads,
        )

    def _make_pull(self) -> Pull:
        return Pull(
            self.client,
            self.enrolment,
            self.studies,
            self.task_store,
            self.models,
            self.blobs,
            accept=self.tasks.accept,
            report=self.reporter.report,
            refuse=self.tasks.refuse,
            drop=self._drop,
            changed=self.heartbeats.changed,
            rng=self._rng,
        )

    def _make_services(self) -> Services:
        return Services(
            settings=self._settings,
            tokens=self.tokens,
            participation=self.participation,
            round_figures=self.round_figures,
            studies=self.studies,
            cards=self.cards,
            pictures=self.pictures,
            departures=self.departures,
            task_store=self.task_store,
            folder=self.folder,
            blobs=self.blobs,
            uploads=self.uploads,
            imports=self.imports,
            models=self.models,
            tasks=self.tasks,
            predictor=self.predictor,
            contact=self.contact,
            pulls=self.pulls,
            changed=self.heartbeats.changed,
        )
