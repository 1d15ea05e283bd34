# A Nomad job, wrapped.  The docker driver needs volumes { enabled = true } in the client's plugin configuration.
job "web" {
  datacenters = ["dc1"]
  type        = "service"

  group "web" {
    count = 1

    network {
      port "http" {
        to = 80
      }
    }

    restart {
      attempts = 3
      interval = "10m"
      delay    = "15s"
      mode     = "delay"
    }

    task "web" {
      driver       = "docker"
      user         = "0"
      kill_timeout = "30s"

      config {
        image      = "nginx:1.24"
        entrypoint = ["/stopgap/stopgap", "run", "--"]
        args       = ["/docker-entrypoint.sh", "nginx", "-g", "daemon off;"]
        ports      = ["http"]
        volumes    = ["/usr/lib/stopgap:/stopgap:ro"]
      }

      env {
        STOPGAP_RESTART_MODE     = "service"
        STOPGAP_REPORT_STATE_DIR = "/alloc/data/stopgap"
      }

      resources {
        cpu    = 200
        memory = 512
      }
    }
  }
}
