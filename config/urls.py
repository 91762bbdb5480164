"""Every address of the project: the back office, the tills, their API and the health report."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from config.health import health
from config.metrics import metrics
from pos_sync import shell

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/", permanent=False), name="root"),
    path("health", health, name="health"),
    path("metrics", metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("api/pos/v1/", include("pos_sync.urls")),
    path("till/", shell.till, name="till"),
    path("till/sw.js", shell.service_worker, name="till-service-worker"),
    path("till/manifest.webmanifest", shell.manifest, name="till-manifest"),
]
