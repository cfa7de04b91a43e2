"""The staff's view of the tables. What was measured is read, searched and filtered here, never written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from runs.models import (
    Act,
    ApiToken,
    Environment,
    Experiment,
    Machine,
    Profile,
    PublishedRecommendation,
    PublishedSpeedUp,
    Run,
    Summary,
    Workload,
)
from runs.services import tokens

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(_ModelAdmin):
    """Rows come from run records, and changing one here would part it from its record."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class OwnedAdmin(ReadOnlyAdmin):
    """Nothing but the owner can be changed: what the site's own runner stored may be handed over."""

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [field.name for field in self.model._meta.fields if field.name != "owner"]


@admin.register(Experiment)
class ExperimentAdmin(OwnedAdmin):
    list_display = ["name", "suite", "preset", "owner", "is_private", "created_at"]
    list_filter = ["is_private", "suite", "preset"]
    search_fields = ["name", "slug"]


@admin.register(Machine)
class MachineAdmin(OwnedAdmin):
    list_display = ["name", "owner", "fingerprint", "created_at"]
    search_fields = ["name", "fingerprint"]


@admin.register(Environment)
class EnvironmentAdmin(ReadOnlyAdmin):
    list_display = ["name", "sha256", "origin", "python"]
    list_filter = ["name", "origin"]
    search_fields = ["name", "sha256"]


@admin.register(Workload)
class WorkloadAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "network_type", "hidden_layers", "width", "dataset", "data_source", "train_samples"]
    list_filter = ["network_type", "dataset", "data_source"]
    search_fields = ["dataset", "key"]


CELL_COLUMNS = ["engine", "workload", "device", "threads", "track", "experiment", "machine"]
CELL_FILTERS = ["engine", "device", "track", "workload__network_type"]
CELL_SEARCH = ["engine", "experiment__name", "machine__name"]


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = [*CELL_COLUMNS, "status", "block", "seconds", "finished_at"]
    list_filter = ["status", *CELL_FILTERS]
    list_select_related = ["workload", "experiment", "machine"]
    search_fields = ["=run_id", *CELL_SEARCH]


@admin.register(Summary)
class SummaryAdmin(ReadOnlyAdmin):
    list_display = [*CELL_COLUMNS, "status_counts", "newest_run_at"]
    list_filter = [*CELL_FILTERS]
    list_select_related = ["workload", "experiment", "machine"]
    search_fields = CELL_SEARCH


@admin.register(Profile)
class ProfileAdmin(ReadOnlyAdmin):
    list_display = ["engine", "workload", "device", "threads", "track", "machine", "environment", "finished_at"]
    list_filter = [*CELL_FILTERS]
    list_select_related = ["workload", "machine", "environment"]
    search_fields = ["=profile_id", "engine", "machine__name"]


@admin.register(PublishedSpeedUp)
class PublishedSpeedUpAdmin(ReadOnlyAdmin):
    list_display = ["network_type", "engine", "hidden_layers", "width", "speed_up"]
    list_filter = ["network_type", "engine"]
    search_fields = ["engine"]


@admin.register(PublishedRecommendation)
class PublishedRecommendationAdmin(ReadOnlyAdmin):
    list_display = ["network_type", "device", "engines"]
    list_filter = ["network_type", "device"]
    search_fields = ["network_type", "device"]


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    list_display = ["name", "user", "can_upload", "machines", "expires_at", "revoked_at", "last_used_at"]
    list_filter = ["can_upload"]
    list_select_related = ["user"]
    search_fields = ["name", "user__username"]
    exclude = ["sha256"]
    actions = ["revoke"]

    @admin.action(description="Revoke the chosen tokens")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        for token in queryset:
            tokens.revoke_token(token=token)


@admin.register(Act)
class ActAdmin(ReadOnlyAdmin):
    list_display = ["at", "kind", "user", "experiment", "machine", "run", "reason"]
    list_filter = ["kind"]
    list_select_related = ["user", "experiment", "machine", "run__workload"]
    search_fields = ["reason", "user__username"]
