# One image for the web server, the worker and the beat; compose.yaml says which it is.
FROM python:3.13-slim AS build
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt

FROM python:3.13-slim
RUN useradd --system --create-home quita
COPY --from=build /venv /venv
WORKDIR /srv/quita
COPY manage.py ./
COPY config config
COPY receivables receivables
COPY pos_sync pos_sync
COPY templates templates
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1
# Collecting needs no secret: the settings of the demonstration do, and nothing of them stays in the image.
RUN python manage.py collectstatic --no-input
USER quita
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s CMD ["python", "-c", "import urllib.request as r; r.urlopen(r.Request('http://127.0.0.1:8000/api/pos/v1/ping', headers={'Host': __import__('os').environ['ALLOWED_HOSTS'].split(',')[0], 'X-Forwarded-Proto': 'https'}), timeout=4)"]
CMD ["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", "--threads", "8", "--max-requests", "5000", "--max-requests-jitter", "500", "--no-control-socket"]
