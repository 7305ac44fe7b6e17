# The app in a container. Build and start two of them behind a proxy: docker compose up --build
FROM python:3.11-slim

WORKDIR /app
COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes --only-binary=:all: -r requirements.lock
COPY . .

# Runs and trained models are written to /data only: mount a volume there, or they end with the container.
RUN useradd --create-home digitrec && mkdir /data && chown digitrec /data
USER digitrec
ENV DIGITREC_HOME=/data
VOLUME /data

EXPOSE 8501
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["python", "-m", "streamlit", "run", "streamlit_app.py", "--server.address=0.0.0.0", "--server.port=8501"]
