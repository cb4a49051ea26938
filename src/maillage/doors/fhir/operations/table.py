"""The operations that belong to this door and to no room, as data: routes, capabilities and the API description are read from here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from maillage.codes.systems import ROOT
from maillage.doors.fhir.context import Context
from maillage.doors.fhir.http import Request, Response
from maillage.doors.fhir.kinds import DEFINITIONS
from maillage.doors.fhir.operations import subscriptions
from maillage.doors.fhir.operations.attach import PARAMETERS as FILE
from maillage.doors.fhir.operations.attach import attach
from maillage.doors.fhir.operations.everything import everything
from maillage.doors.fhir.operations.export import OF_PATIENTS, export
from maillage.doors.fhir.operations.export import PARAMETERS as ASKED
from maillage.doors.fhir.operations.lastn import lastn
from maillage.doors.fhir.operations.match import match
from maillage.doors.fhir.operations.meta import add_meta, delete_meta, meta
from maillage.doors.fhir.operations.opening import PARAMETERS, open_context
from maillage.doors.fhir.operations.process_message import process_message
from maillage.doors.fhir.operations.terminology import EXPAND, IN_SET, IN_SYSTEM, LOOKUP, expand, lookup, validate_code
from maillage.doors.fhir.operations.validate import validate
from maillage.kernel.operations import Param

HL7 = "http://hl7.org/fhir/OperationDefinition/"
BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-"
BULK = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/"
OWN = f"{ROOT}/OperationDefinition/"
SYSTEM, TYPE, INSTANCE = "system", "type", "instance"


@dataclass(frozen=True, slots=True)
class DoorOperation:
    """One published operation: where it is asked (`levels`; `types` empty means each type that is served), how, with which parameters."""

    name: str
    definition: str
    answer: Callable[[Context, Request], Awaitable[Response]]
    summary_fr: str
    levels: tuple[str, ...]
    types: tuple[str, ...] = ()
    methods: tuple[str, ...] = ("GET", "POST")
    parameters: tuple[Param, ...] = ()
    answers: str = "Parameters"

    def serves(self, kind: str) -> bool:
        """Whether it is asked on this type, or on its instances; definitions are asked by name only."""
        if self.levels == (SYSTEM,):
            return False
        return kind in self.types if self.types else kind not in DEFINITIONS


_META = (Param("meta", "Meta", required=True),)

OPERATIONS: tuple[DoorOperation, ...] = (
    DoorOperation("validate", HL7 + "Resource-validate", validate, "Dire ce qu'une écriture dirait, sans écrire.", (SYSTEM, TYPE, INSTANCE),
        methods=("POST",), parameters=(Param("resource", "Resource"), Param("mode", "code", values=("create", "update", "delete", "profile")),
        Param("profile", "canonical")), answers="OperationOutcome"),
    DoorOperation("meta", HL7 + "Resource-meta", meta, "Les profils, étiquettes et niveaux de sécurité d'une ressource.", (INSTANCE,)),
    DoorOperation("meta-add", HL7 + "Resource-meta-add", add_meta, "Ajouter des profils ou des étiquettes.", (INSTANCE,), methods=("POST",),
        parameters=_META),
    DoorOperation("meta-delete", HL7 + "Resource-meta-delete", delete_meta, "Retirer des profils ou des étiquettes.", (INSTANCE,), methods=("POST",),
        parameters=_META),
    DoorOperation("everything", HL7 + "Patient-everything", everything, "Tout ce que vous pouvez voir d'un patient, page par page.", (INSTANCE,),
        ("Patient",), parameters=(Param("_since", "instant"), Param("_type", "code", many=True), Param("_count", "integer")), answers="Bundle"),
    DoorOperation("match", HL7 + "Patient-match", match, "Retrouver un patient par son INS ou par ses traits stricts.", (TYPE,), ("Patient",),
        methods=("POST",), parameters=(Param("resource", "Patient", required=True), Param("onlyCertainMatches", "boolean"),
        Param("count", "integer")), answers="Bundle"),
    DoorOperation("open-context", OWN + "Patient-open-context", open_context, "Un lien qui ouvre maillage sur ce patient, pour le logiciel d’un médecin.",
        (INSTANCE,), ("Patient",), methods=("POST",), parameters=PARAMETERS),
    DoorOperation("attach", OWN + "Task-attach", attach, "Joindre un fichier à la demande, à une réponse ou au courrier.", (INSTANCE,), ("Task",),
        methods=("POST",), parameters=FILE, answers="DocumentReference"),
    DoorOperation("lastn", HL7 + "Observation-lastn", lastn, "Les dernières observations de chaque code.", (TYPE,), ("Observation",), methods=("GET",),
        parameters=(Param("max", "positiveInt"), Param("patient", "Reference"), Param("subject", "Reference"), Param("category", "string"),
        Param("code", "string")), answers="Bundle"),
    DoorOperation("status", BACKPORT + "status", subscriptions.status, "Où en sont les abonnements.", (TYPE, INSTANCE), ("Subscription",),
        parameters=subscriptions.STATUS, answers="Bundle"),
    DoorOperation("events", BACKPORT + "events", subscriptions.events, "Les événements d’un abonnement, par leurs numéros.", (INSTANCE,), ("Subscription",),
        parameters=subscriptions.EVENTS, answers="Bundle"),
    DoorOperation("process-message", HL7 + "MessageHeader-process-message", process_message, "Prendre le message d’un partenaire : venue, sortie, rendez-vous.",
        (SYSTEM,), methods=("POST",), parameters=(Param("content", "Bundle", required=True),), answers="Bundle"),
    DoorOperation("lookup", HL7 + "CodeSystem-lookup", lookup, "Ce que veut dire un code.", (TYPE,), ("CodeSystem",), parameters=LOOKUP),
    DoorOperation("validate-code", HL7 + "CodeSystem-validate-code", validate_code, "Dire si un code est dans une nomenclature.", (TYPE, INSTANCE),
        ("CodeSystem",), parameters=IN_SYSTEM),
    DoorOperation("validate-code", HL7 + "ValueSet-validate-code", validate_code, "Dire si un code est dans un jeu de valeurs.", (TYPE, INSTANCE),
        ("ValueSet",), parameters=IN_SET),
    DoorOperation("expand", HL7 + "ValueSet-expand", expand, "Les codes d’un jeu de valeurs.", (TYPE, INSTANCE), ("ValueSet",), parameters=EXPAND,
        answers="ValueSet"),
    DoorOperation("export", BULK + "export", export, "Exporter ce que vous pouvez voir, en fichiers NDJSON.", (SYSTEM,), parameters=ASKED),
    DoorOperation("export", BULK + "patient-export", export, "Exporter ce qui concerne tous les patients que vous pouvez voir.", (TYPE,), ("Patient",),
        parameters=OF_PATIENTS),
    DoorOperation("export", BULK + "group-export", export, "Exporter ce qui concerne les patients d’un groupe.", (INSTANCE,), ("Group",),
        parameters=OF_PATIENTS),
)  # fmt: skip
"""Each with its published definition."""


def find_operation(kind: str, name: str, level: str) -> DoorOperation | None:
    """The operation of this name at this place, if there is one."""
    for operation in OPERATIONS:
        if operation.name == name and level in operation.levels and (level == SYSTEM or operation.serves(kind)):
            return operation
    return None
