"""`/metrics` for Prometheus: only where METRICS_TOKEN is set, only for who brings it."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django_prometheus.exports import ExportToDjangoView


def metrics(request: HttpRequest) -> HttpResponse:
    """Return the counters of this process, or 404 as if there were none."""
    said = request.headers.get("Authorization", "")
    if not settings.METRICS_TOKEN or not constant_time_compare(said, f"Bearer {settings.METRICS_TOKEN}"):
        return HttpResponse(status=404)
    answer: HttpResponse = ExportToDjangoView(request)
    return answer
