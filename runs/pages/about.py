"""The site's own pages: how we measure, how to add a machine, and what went wrong."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from runs.pages.parts.rendering import Section, render_page
from runs.pages.parts.study_tables import study_tables
from runs.study.published import published
from runs.upload.access import is_in_the_open

SECTION = Section("method")


# ---------------------------------------------------------------- the rest


def method(request: HttpRequest) -> HttpResponse:
    return render_page(request, "method", SECTION, study=published().study, study_tables=study_tables())


def upload_help(request: HttpRequest) -> HttpResponse:
    address = f"{request.scheme}://{request.get_host()}"
    target = f"{address} --insecure" if is_in_the_open(address) else address
    return render_page(request, "upload_help", SECTION, address=address, target=target)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Without a context processor: what broke the page must not break this one."""
    return render(request, "500.html", status=500)


# ---------------------------------------------------------------- what the site asks of every page

ROUTES = (
    path("method/", method, name="method"),
    path("add-your-machine/", upload_help, name="upload-help"),
)
