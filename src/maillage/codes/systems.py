"""URLs of every identifier system, code system, profile and extension that maillage reads or writes.

Sources: FR Core 2.2.0, the French public terminologies (NOS), HL7 terminology, BSeR, COW. Ours start with `ROOT`. The aliases by which older
guides call the same things are in `maillage.codes.aliases`.
"""

from __future__ import annotations

from typing import Final

# --- ours ---------------------------------------------------------------------
ROOT: Final = "https://maillage.invalid/fhir"


def own_code_system(name: str) -> str:
    """URL of one of our code systems."""
    return f"{ROOT}/CodeSystem/{name}"


def own_extension(name: str) -> str:
    """URL of one of our extensions or profiles."""
    return f"{ROOT}/StructureDefinition/{name}"


def own_naming_system(name: str) -> str:
    """URL of one of our identifier systems."""
    return f"{ROOT}/NamingSystem/{name}"


def own_canonical(kind: str, name: str) -> str:
    """URL of one of our definitions (PlanDefinition, Questionnaire, ValueSet...)."""
    return f"{ROOT}/{kind}/{name}"


OWN_REFERRAL_STATE: Final = own_code_system("referral-state")
OWN_APPOINTMENT_STATE: Final = own_code_system("appointment-state")
OWN_SESSION_STATE: Final = own_code_system("session-state")
OWN_REASON: Final = own_code_system("reason")
OWN_TURN: Final = own_code_system("turn")
OWN_PRIORITY: Final = own_code_system("priority")
OWN_ROLE: Final = own_code_system("role")
OWN_VERB: Final = own_code_system("verb")
OWN_ISSUE: Final = own_code_system("issue-reason")
OWN_PATHWAY: Final = own_code_system("pathway")
OWN_INTAKE: Final = own_code_system("intake")
OWN_TERRITORY_LINK: Final = own_code_system("territory-link")
OWN_REFERRAL_NUMBER: Final = own_naming_system("referral")
OWN_TASK_NUMBER: Final = own_naming_system("task")
OWN_APPOINTMENT_NUMBER: Final = own_naming_system("appointment")
OWN_SCHEDULE_NUMBER: Final = own_naming_system("schedule")
OWN_PATIENT_NUMBER: Final = own_naming_system("patient")
OWN_ENCOUNTER_NUMBER: Final = own_naming_system("encounter")
OWN_DOCUMENT_NUMBER: Final = own_naming_system("document")

# --- people: identifiers --------------------------------------------------------
INS_NIR: Final = "urn:oid:1.2.250.1.213.1.4.8"
INS_NIA: Final = "urn:oid:1.2.250.1.213.1.4.9"
INS_TEST: Final = "urn:oid:1.2.250.1.213.1.4.10"
INS_DEMO: Final = "urn:oid:1.2.250.1.213.1.4.11"
INS_SYSTEMS: Final = frozenset({INS_NIR, INS_NIA, INS_TEST, INS_DEMO})
INS_C: Final = "urn:oid:1.2.250.1.213.1.4.2"
NSS_NIR: Final = "urn:oid:1.2.250.1.213.1.4.13"
NSS_NIA: Final = "urn:oid:1.2.250.1.213.1.4.14"
NDP: Final = "urn:oid:1.2.250.1.176.1.2"
IDNPS: Final = "urn:oid:1.2.250.1.71.4.2.1"
RPPS: Final = "https://rpps.esante.gouv.fr"
RPPS_RANG: Final = "https://rppsrang.esante.gouv.fr"
NUMERO_AM: Final = "https://www.ameli.fr"

# --- structures: identifiers ------------------------------------------------------
IDNST: Final = "urn:oid:1.2.250.1.71.4.2.2"
FINESS: Final = "https://finess.esante.gouv.fr"
SIRENE: Final = "https://sirene.fr"
ANNUAIRE: Final = "https://annuaire.sante.fr"
SAS_SOURCE: Final = "urn:oid:1.2.250.1.213.3.6"

# --- FR Core 2.2.0 ----------------------------------------------------------------
FR_CORE: Final = "https://hl7.fr/ig/fhir/core"
_CS: Final = f"{FR_CORE}/CodeSystem/"
_SD: Final = f"{FR_CORE}/StructureDefinition/"

FR_IDENTIFIER_TYPE: Final = f"{_CS}fr-core-cs-v2-0203"
FR_ENCOUNTER_IDENTIFIER_TYPE: Final = f"{_CS}fr-core-cs-identifier-type"
FR_LOCATION_IDENTIFIER_TYPE: Final = f"{_CS}fr-core-cs-location-identifier-type"
FR_IDENTITY_STATUS: Final = f"{_CS}fr-core-cs-v2-0445"
FR_IDENTITY_VALIDATION_MODE: Final = f"{_CS}fr-core-cs-mode-validation-identity"
FR_IDENTITY_COLLECTION: Final = f"{_CS}fr-core-cs-method-collection"
FR_ORGANIZATION_TYPE: Final = f"{_CS}fr-core-cs-v2-3307"
FR_ORGANIZATION_FIELD: Final = f"{_CS}fr-core-cs-v2-3311"
FR_CONTACT_RELATIONSHIP: Final = f"{_CS}fr-core-cs-contact-relationship"
FR_RELATIONSHIP_CATEGORY: Final = f"{_CS}fr-core-cs-patient-contact-relationship-category"
FR_LOCATION_TYPE: Final = f"{_CS}fr-core-cs-location-type"
FR_LOCATION_PHYSICAL_TYPE: Final = f"{_CS}fr-core-cs-location-physical-type"
FR_SCHEDULE_TYPE: Final = f"{_CS}fr-core-cs-schedule-type"
FR_ADMISSION_TYPE: Final = f"{_CS}fr-core-cs-type-admission"
FR_DISCHARGE_DISPOSITION: Final = f"{_CS}fr-core-cs-circonstances-sortie"
FR_MARITAL_STATUS: Final = f"{_CS}fr-core-cs-marital-status"

PROFILE_PATIENT: Final = f"{_SD}fr-core-patient"
PROFILE_PATIENT_INS: Final = f"{_SD}fr-core-patient-ins"
PROFILE_PRACTITIONER: Final = f"{_SD}fr-core-practitioner"
PROFILE_PRACTITIONER_ROLE: Final = f"{_SD}fr-core-practitioner-role"
PROFILE_ORGANIZATION: Final = f"{_SD}fr-core-organization"
PROFILE_ORGANIZATION_ETABLISSEMENT: Final = f"{_SD}fr-core-organization-etablissement"
PROFILE_ORGANIZATION_UF: Final = f"{_SD}fr-core-organization-uf"
PROFILE_ORGANIZATION_UAC: Final = f"{_SD}fr-core-organization-uac"
PROFILE_LOCATION: Final = f"{_SD}fr-core-location"
PROFILE_HEALTHCARE_SERVICE: Final = f"{_SD}fr-core-healthcare-service"
PROFILE_SCHEDULE: Final = f"{_SD}fr-core-schedule"
PROFILE_SLOT: Final = f"{_SD}fr-core-slot"
PROFILE_APPOINTMENT: Final = f"{_SD}fr-core-appointment"
PROFILE_ENCOUNTER: Final = f"{_SD}fr-core-encounter"
PROFILE_RELATED_PERSON: Final = f"{_SD}fr-core-related-person"

EXT_BIRTH_LIST_GIVEN_NAME: Final = f"{_SD}fr-core-patient-birth-list-given-name"
EXT_IDENTITY_RELIABILITY: Final = f"{_SD}fr-core-identity-reliability"
EXT_ADDRESS_INSEE_CODE: Final = f"{_SD}fr-core-address-insee-code"
EXT_PATIENT_NATIONALITY: Final = f"{_SD}fr-core-patient-nationality"
EXT_PATIENT_DEATH_PLACE: Final = f"{_SD}fr-core-patient-death-place"
EXT_BIRTHDATE_UPDATE: Final = f"{_SD}fr-core-patient-birthdate-update-indicator"
EXT_CONTACT_IDENTIFIER: Final = f"{_SD}fr-core-patient-contact-identifier"
EXT_RELATIONSHIP_CATEGORY: Final = f"{_SD}fr-core-patient-contact-relationship-category"
EXT_COMMENT: Final = f"{_SD}fr-core-comment"
EXT_LUNAR_DATE: Final = f"{_SD}fr-core-lunar-date"
EXT_EMAIL_TYPE: Final = f"{_SD}fr-core-contact-point-email-type"
EXT_PRACTITIONER_SPECIALTY: Final = f"{_SD}fr-core-practitioner-specialty"
EXT_ORGANIZATION_SHORT_NAME: Final = f"{_SD}fr-core-organization-short-name"
EXT_ORGANIZATION_MEMBER: Final = f"{_SD}fr-core-organization-member"
EXT_ORGANIZATION_RAISON_SOCIALE: Final = f"{_SD}fr-core-organization-raison-sociale"
EXT_SERVICE_TYPE_DURATION: Final = f"{_SD}fr-core-service-type-duration"
EXT_SCHEDULE_AVAILABILITY: Final = f"{_SD}fr-core-schedule-availability-time"
EXT_APPOINTMENT_OPERATOR: Final = f"{_SD}fr-core-appointment-operator"
EXT_ESTIMATED_DISCHARGE_DATE: Final = f"{_SD}fr-core-estimated-discharge-date"
EXT_LOCATION_ROOM_TYPE: Final = f"{_SD}fr-core-location-type-chambre"
EXT_LOCATION_BED_POSITION: Final = f"{_SD}fr-core-location-position-lit"

# --- HL7 extensions -----------------------------------------------------------------
EXT_BIRTH_PLACE: Final = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
EXT_ORGANIZATION_PERIOD: Final = "http://hl7.org/fhir/StructureDefinition/organization-period"
EXT_DATA_ABSENT_REASON: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
EXT_ASSEMBLY_ORDER: Final = "http://hl7.org/fhir/StructureDefinition/humanname-assembly-order"
EXT_ORGANIZATION_DESCRIPTION: Final = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Organization.description"
EXT_SLOT_SERVICE_TYPE: Final = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Slot.serviceType"
EXT_TIMEZONE: Final = "http://hl7.org/fhir/StructureDefinition/timezone"

# --- French public terminologies (NOS) --------------------------------------------------
_NOS: Final = "https://mos.esante.gouv.fr/NOS/"


def nos(folder: str) -> str:
    """`TRE_R38-SpecialiteOrdinale` -> its URL: the file name repeats the folder with a dash in the place of the underscore."""
    return f"{_NOS}{folder}/FHIR/{folder.replace('_', '-')}"


COMMUNE: Final = nos("TRE_R13-CommuneOM")
SECTEUR_ACTIVITE: Final = nos("TRE_R02-SecteurActivite")
PROFESSION: Final = nos("TRE_G15-ProfessionSante")
FONCTION: Final = nos("TRE_R21-Fonction")
GENRE_ACTIVITE: Final = nos("TRE_R22-GenreActivite")
MODE_EXERCICE: Final = nos("TRE_R23-ModeExercice")
SPECIALITE_ORDINALE: Final = nos("TRE_R38-SpecialiteOrdinale")
CATEGORIE_ETABLISSEMENT: Final = nos("TRE_R66-CategorieEtablissement")
HL7_ROLE_CODE: Final = nos("TRE_R216-HL7RoleCode")
TYPE_MESSAGERIE: Final = nos("TRE_R256-TypeMessagerie")
HL7_ROLE_CLASS: Final = nos("TRE_R260-HL7RoleClass")
TYPE_CRENEAU: Final = nos("TRE_R314-TypeCreneau")
TYPE_IDENTIFIANT_PERSONNE: Final = nos("TRE_G08-TypeIdentifiantPersonne")
JDV_PRACTICE_SETTING: Final = nos("JDV_J04-XdsPracticeSettingCode-CISIS")
JDV_DOCUMENT_CLASS: Final = nos("JDV_J06-XdsClassCode-CISIS")
JDV_DOCUMENT_TYPE: Final = nos("JDV_J07-XdsTypeCode-CISIS")
JDV_CONFIDENTIALITY: Final = nos("JDV_J08-XdsConfidentialityCode-CISIS")
JDV_DOCUMENT_FORMAT: Final = nos("JDV_J10-XdsFormatCode-CISIS")
JDV_STATUT_SSA: Final = nos("JDV_J97-StatutProfessionnelSSA-RASS")

# --- HL7 terminology -------------------------------------------------------------------------
_THO: Final = "http://terminology.hl7.org/CodeSystem/"
IDENTIFIER_TYPE: Final = f"{_THO}v2-0203"
APPOINTMENT_TYPE: Final = f"{_THO}v2-0276"
ACT_CODE: Final = f"{_THO}v3-ActCode"
ACT_REASON: Final = f"{_THO}v3-ActReason"
CONFIDENTIALITY: Final = f"{_THO}v3-Confidentiality"
DATA_OPERATION: Final = f"{_THO}v3-DataOperation"
OBSERVATION_VALUE: Final = f"{_THO}v3-ObservationValue"
PARTICIPATION_TYPE: Final = f"{_THO}v3-ParticipationType"
NULL_FLAVOR: Final = f"{_THO}v3-NullFlavor"
SERVICE_TYPE: Final = f"{_THO}service-type"
TASK_CODE: Final = "http://hl7.org/fhir/CodeSystem/task-code"
TASK_STATUS: Final = "http://hl7.org/fhir/task-status"
REQUEST_PRIORITY: Final = "http://hl7.org/fhir/request-priority"
RESTFUL_INTERACTION: Final = "http://hl7.org/fhir/restful-interaction"
AUDIT_EVENT_TYPE: Final = f"{_THO}audit-event-type"
AUDIT_ENTITY_TYPE: Final = f"{_THO}audit-entity-type"
AUDIT_SOURCE_TYPE: Final = f"{_THO}security-source-type"
BALP: Final = "https://profiles.ihe.net/ITI/BALP"
BALP_ENTITY_TYPE: Final = f"{BALP}/CodeSystem/BasicAuditEntityType"
DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
OBJECT_ROLE: Final = f"{_THO}object-role"
PROVENANCE_PARTICIPANT: Final = f"{_THO}provenance-participant-type"
APPOINTMENT_CANCELLATION: Final = f"{_THO}appointment-cancellation-reason"
LOCATION_PHYSICAL_TYPE: Final = f"{_THO}location-physical-type"
JURISDICTION: Final = "jdn"
"""Physical type of a Location that is a territory, as a commune is."""
PLAN_DEFINITION_TYPE: Final = f"{_THO}plan-definition-type"
OBSERVATION_CATEGORY: Final = f"{_THO}observation-category"
CONDITION_CLINICAL: Final = f"{_THO}condition-clinical"
CONDITION_VERIFICATION: Final = f"{_THO}condition-ver-status"
SPECIAL_VALUES: Final = f"{_THO}special-values"
LOINC: Final = "http://loinc.org"
SNOMED_CT: Final = "http://snomed.info/sct"
UCUM: Final = "http://unitsofmeasure.org"
CURRENCY: Final = "urn:iso:std:iso:4217"
LANGUAGE: Final = "urn:ietf:bcp:47"

# --- the referral loop ----------------------------------------------------------------------------
BSER_BUSINESS_STATUS: Final = "http://hl7.org/fhir/us/bser/CodeSystem/TaskBusinessStatusCS"
COW_BUSINESS_STATUS: Final = "http://hl7.org/fhir/uv/cow/CodeSystem/business-status"

# --- identifier type codes (with FR_IDENTIFIER_TYPE) ---------------------------------------------------
INS_TYPE_BY_SYSTEM: Final = {INS_NIR: "INS-NIR", INS_NIA: "INS-NIA", INS_TEST: "INS-NIR-TEST", INS_DEMO: "INS-NIR-DEMO"}
