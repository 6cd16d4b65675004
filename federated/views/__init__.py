"""What the servers show of themselves: answers that the web app and other clients read.

Times are seconds since the epoch (UTC). Figures are numbers, never formatted.
"""

from federated.views.changes import WeightChanges
from federated.views.comparison import ComparedRound, ComparedRun, Comparison
from federated.views.course import LEFT_OUT, CourseRound, CourseSite, CourseView
from federated.views.cross_site import CrossSiteModel, CrossSiteRow, CrossSiteView
from federated.views.models import ModelSetting, ModelsView, ModelView
from federated.views.nodes import NodeHistory, NodeTask, NodeView, ReceivedModel
from federated.views.paired import PairedRun, PairedView
from federated.views.participation import (
    Approval,
    Decision,
    Departure,
    Hours,
    Limits,
    Participation,
    ProposedPlan,
    RoundFigures,
)
from federated.views.plans import AbleNode, BatchesView, BatchView, PlanCheck
from federated.views.rewards import (
    CreditShare,
    CreditTrend,
    LedgerEntry,
    Rewards,
    RoundCredits,
    Standing,
)
from federated.views.rounds import (
    AuditView,
    ExcludedNode,
    RoundStatistics,
    RoundView,
    TaskView,
    UpdateView,
)
from federated.views.runs import Event, RunView
from federated.views.search import SearchView, TrialView
from federated.views.site import (
    ChildStatus,
    ChildStudy,
    ChildTask,
    PictureView,
    Prediction,
    UploadView,
)
from federated.views.studies import CurrentModel, PlanView, StudyView
from federated.views.system import DiskView, SystemView, WorkerView

__all__ = [
    "LEFT_OUT",
    "AbleNode",
    "Approval",
    "AuditView",
    "BatchView",
    "BatchesView",
    "ChildStatus",
    "ChildStudy",
    "ChildTask",
    "ComparedRound",
    "ComparedRun",
    "Comparison",
    "CourseRound",
    "CourseSite",
    "CourseView",
    "CreditShare",
    "CreditTrend",
    "CrossSiteModel",
    "CrossSiteRow",
    "CrossSiteView",
    "CurrentModel",
    "Decision",
    "Departure",
    "DiskView",
    "Event",
    "ExcludedNode",
    "Hours",
    "LedgerEntry",
    "Limits",
    "ModelSetting",
    "ModelView",
    "ModelsView",
    "NodeHistory",
    "NodeTask",
    "NodeView",
    "PairedRun",
    "PairedView",
    "Participation",
    "PictureView",
    "PlanCheck",
    "PlanView",
    "Prediction",
    "ProposedPlan",
    "ReceivedModel",
    "Rewards",
    "RoundCredits",
    "RoundFigures",
    "RoundStatistics",
    "RoundView",
    "RunView",
    "SearchView",
    "Standing",
    "StudyView",
    "SystemView",
    "TaskView",
    "TrialView",
    "UpdateView",
    "UploadView",
    "WeightChanges",
    "WorkerView",
]
