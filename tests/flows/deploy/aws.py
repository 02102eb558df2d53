"""The local stack's S3, with all else of AWS that a deployment to ECS needs."""

import sys

from moto.server import main

from flows.local.s3 import spare_moto
from tests.flows.deploy.cloudformation import complete_moto

if __name__ == "__main__":
    spare_moto()
    complete_moto()
    main(sys.argv[1:])
